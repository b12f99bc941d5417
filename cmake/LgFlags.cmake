# Compiler flags for the whole tree. Warnings are errors on gcc and clang.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(LG_WARN
  -Wall -Wextra -Werror -Wshadow -Wundef -Wcast-qual -Wformat=2 -Wdouble-promotion
  -Wimplicit-fallthrough -Wvla -Walloca -Wconversion -Wno-sign-conversion -Wpointer-arith)
set(LG_WARN_C -Wstrict-prototypes -Wmissing-prototypes)

# -ffp-contract=off and no -march: verdicts are the same bits on every x86-64 CPU and compiler;
# kernels pick SIMD at run time and use explicit fused multiply-add (docs/semantics.md).
add_compile_options(-ffp-contract=off -fno-omit-frame-pointer -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE)
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(LG_SANITIZE)
  add_compile_options(-fsanitize=${LG_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LG_SANITIZE})
  add_compile_definitions(LG_SANITIZED=1)
endif()
if(LG_COVERAGE)
  add_compile_options(--coverage -O0 -fprofile-update=atomic) # counters of threads too
  add_link_options(--coverage)
endif()
if(LG_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
