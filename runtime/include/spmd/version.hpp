#pragma once

// NOLINTBEGIN(modernize-macro-to-enum): for #if
// Version of these headers; a test compares it with the project's.
#define SPMD_VERSION_MAJOR 0
#define SPMD_VERSION_MINOR 1
#define SPMD_VERSION_PATCH 0
/// "0.1.0"
#define SPMD_VERSION "0.1.0"
/// major * 10000 + minor * 100 + patch, to be compared in #if.
#define SPMD_VERSION_NUMBER 100
// NOLINTEND(modernize-macro-to-enum)
