# Compiler settings and the two helpers with which every folder declares what it builds.

find_program(WEFT_CCACHE ccache)
if(WEFT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WEFT_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${WEFT_CCACHE})
endif()
find_program(WEFT_MOLD mold)
if(WEFT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(weft_warnings INTERFACE)
target_compile_options(weft_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wnull-dereference -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 at -O2 warns falsely where a variant holding a string is moved (GCC PR 105562 and kin).
  target_compile_options(weft_warnings INTERFACE -Wno-maybe-uninitialized -Wno-null-dereference
    -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  # libstdc++ 12's own std::stable_sort uses what it deprecates.
  target_compile_options(weft_warnings INTERFACE -Wno-deprecated-declarations)
endif()

if(WEFT_SANITIZE)
  # -O0: g++ 12 takes half the time over instrumented code that it takes with -O2, and checks more.
  add_compile_options(-O0 -fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

if(WEFT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # every decoder reports its branches to libFuzzer
endif()

# weft_library(NAME [SOURCES ...globs] [LINK ...]): a static library of every .cpp that the globs
# find, relative to the calling folder.
function(weft_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  set(sources)
  foreach(pattern ${A_SOURCES})
    file(GLOB found CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${pattern})
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${A_LINK} PRIVATE $<BUILD_INTERFACE:weft_warnings>)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${A_LINK})
  endif()
endfunction()

# weft_program(NAME SOURCES ... LINK ...): a program in build/bin; skipped while it has no source.
function(weft_program name)
  cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
  set(sources)
  foreach(pattern ${A_SOURCES})
    file(GLOB found CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${pattern})
    list(APPEND sources ${found})
  endforeach()
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${A_LINK} $<BUILD_INTERFACE:weft_warnings>)
  endif()
endfunction()

# weft_starts_often(NAME): a program of which every user's command, or every rank, is a new process.
# What it needs of libstdc++ is in it, and all symbols are bound at its start: a process that it forks
# finds them bound.
function(weft_starts_often name)
  if(WEFT_ARCHIVES AND NOT WEFT_SANITIZE)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc -Wl,-z,now)
  endif()
endfunction()

# What ./dev test builds and runs with a sanitizer, by label: asan (with undefined) whatever reads
# what comes from outside, and the core under the simulation; tsan what has threads. ./dev soak runs
# every unit test with asan, and with tsan those that it can judge.
add_custom_target(asan-tests)
add_custom_target(tsan-tests)
add_custom_target(unit-tests)

# weft_test(NAME SOURCES ... LINK ... [LABELS ...] [ARGS ...]): a GoogleTest program, one ctest entry.
function(weft_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;LINK;LABELS;ARGS" ${ARGN})
  weft_program(${name} SOURCES ${A_SOURCES} LINK ${A_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  if(TARGET ${name})
    if(NOT A_TIMEOUT)
      set(A_TIMEOUT 300)
    endif()
    target_compile_definitions(${name} PRIVATE WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
      WEFT_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    add_test(NAME ${name} COMMAND ${name} ${A_ARGS})
    set_tests_properties(${name} PROPERTIES LABELS "${A_LABELS}" TIMEOUT ${A_TIMEOUT})
    # What starts fleets, or waits for deaths of processes, has the machine to itself.
    if(NOT "unit" IN_LIST A_LABELS AND NOT "fuzz" IN_LIST A_LABELS AND NOT "compat" IN_LIST A_LABELS)
      set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
    endif()
    foreach(label asan tsan unit)
      if(label IN_LIST A_LABELS)
        add_dependencies(${label}-tests ${name})
      endif()
    endforeach()
  endif()
endfunction()
