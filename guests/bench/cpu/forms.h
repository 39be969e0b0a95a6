// One source, two forms: everything inlined into main, or with -DCALLS behind functions that are called many times.
// An engine that optimises a function only when it is entered again never optimises the first form.
#pragma once
#ifdef CALLS
#define PART static __attribute__((noinline))
#else
#define PART static inline __attribute__((always_inline))
#endif
