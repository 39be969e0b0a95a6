// Moves five bodies under their own gravity for N steps (semi-implicit Euler) and prints their energy before and after:
// `nbody [N]`. The bodies are made up: a heavy one in the middle and four on nearly round paths.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "forms.h"

enum { count = 5 };

struct body {
  double place[3], speed[3], mass;
};

static struct body bodies[count];

static void make_bodies(void) {
  bodies[0].mass = 40;
  for (int i = 1; i < count; i++) {
    struct body *body = &bodies[i];
    double distance = 2.5 * i * i, turn = 1.7 * i;
    double speed = sqrt(bodies[0].mass / distance);
    body->mass = 0.01 / i;
    body->place[0] = distance * cos(turn), body->place[1] = distance * sin(turn), body->place[2] = 0.05 * i;
    body->speed[0] = -speed * sin(turn), body->speed[1] = speed * cos(turn), body->speed[2] = 0.01 * i;
  }
}

PART void pull(struct body *one, struct body *other, double time) {
  double x = one->place[0] - other->place[0];
  double y = one->place[1] - other->place[1];
  double z = one->place[2] - other->place[2];
  double squared = x * x + y * y + z * z;
  double force = time / (squared * sqrt(squared));
  double by_other = other->mass * force, by_one = one->mass * force;
  one->speed[0] -= x * by_other, one->speed[1] -= y * by_other, one->speed[2] -= z * by_other;
  other->speed[0] += x * by_one, other->speed[1] += y * by_one, other->speed[2] += z * by_one;
}

PART void step(double time) {
  for (int i = 0; i < count; i++)
    for (int j = i + 1; j < count; j++) pull(&bodies[i], &bodies[j], time);
  for (int i = 0; i < count; i++)
    for (int axis = 0; axis < 3; axis++) bodies[i].place[axis] += time * bodies[i].speed[axis];
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < count; i++) {
    const struct body *one = &bodies[i];
    sum += one->mass * (one->speed[0] * one->speed[0] + one->speed[1] * one->speed[1] + one->speed[2] * one->speed[2]) / 2;
    for (int j = i + 1; j < count; j++) {
      double x = one->place[0] - bodies[j].place[0];
      double y = one->place[1] - bodies[j].place[1];
      double z = one->place[2] - bodies[j].place[2];
      sum -= one->mass * bodies[j].mass / sqrt(x * x + y * y + z * z);
    }
  }
  return sum;
}

int main(int argc, char **argv) {
  long steps = argc > 1 ? atol(argv[1]) : 21000000;
  make_bodies();
  printf("%.9f\n", energy());
  for (long i = 0; i < steps; i++) step(0.001);
  printf("%.9f\n", energy());
  return 0;
}
