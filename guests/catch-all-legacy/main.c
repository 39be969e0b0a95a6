// The same as catch-all with the older exception instructions (try, catch_all, end), which many toolchains still emit.
// flags: -O2 -mexception-handling
#include "../catch-all/main.c"
