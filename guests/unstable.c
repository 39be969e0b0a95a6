// The probe for wasi_unstable, the predecessor of preview 1: its imports, its layouts of filestat and subscription, its
// 45 calls (sock_accept came later), its whence order (0 from here, 1 from the end, 2 from the start). The lines are
// printed through libc, which is preview 1's: one module may import both.
#define MODULE "wasi_unstable"
#define OLD_LAYOUT
#include "probe.h"
