int outer(int divisor);
