# Compiler choice and flags. Why clang 19 and nothing else: docs/adr/0001-clang-19.md.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Weir needs clang 19 or newer, found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}.\n"
    "GCC 12 miscompiles coroutine arguments and does not tail-call hand-offs. Run ./dev setup, then ./dev build.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(WEIR_TESTS "Build the unit tests" ON)
option(WEIR_FUZZ "Build the libFuzzer targets" OFF)
set(WEIR_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer
  "SHELL:-Xclang -fno-pch-timestamp")
add_link_options(-fuse-ld=lld-19)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # ThinLTO: a request crosses all rooms, and each room is a library of its own.
  add_compile_options(-O2 -flto=thin -fstack-protector-strong -D_FORTIFY_SOURCE=2)
  add_link_options(-flto=thin -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/lto -Wl,-z,relro,-z,now)
  # Profile-guided: `./dev profile` builds once with WEIR_PROFILE=generate, drives that binary and leaves the profile here.
  # Code that has changed since is built as without one.
  set(WEIR_PROFILE "${CMAKE_SOURCE_DIR}/build/profile/weir.profdata" CACHE STRING "A profile to build by, or generate")
  if(WEIR_PROFILE STREQUAL "generate")
    add_compile_options(-fprofile-generate -fprofile-update=atomic)
    add_link_options(-fprofile-generate)
  elseif(EXISTS "${WEIR_PROFILE}")
    # Objects by different profiles do not link: another profile compiles everything anew.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${WEIR_PROFILE}")
    file(SHA256 "${WEIR_PROFILE}" profile)
    string(SUBSTRING ${profile} 0 12 profile)
    add_compile_definitions(WEIR_PROFILED_BY_${profile})
    add_compile_options(-fprofile-use=${WEIR_PROFILE} -Wno-profile-instr-unprofiled
      -Wno-profile-instr-out-of-date -Wno-backend-plugin)
    add_link_options(-fprofile-use=${WEIR_PROFILE})
  endif()
endif()
if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
