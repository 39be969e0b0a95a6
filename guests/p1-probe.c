// Calls each of preview 1's 46 functions exactly as its lines say; the language is described in probe.h.
#define MODULE "wasi_snapshot_preview1"
#include "probe.h"
