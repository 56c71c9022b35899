# Writes OUTPUT from TEMPLATE with the commit of SOURCE_DIR; "unknown" unless SOURCE_DIR is the top of a git
# checkout.
# Usage: cmake -DGIT=… -DSOURCE_DIR=… -DTEMPLATE=… -DOUTPUT=… -P write_source_commit.cmake
set(SPMD_COMMIT unknown)
if(GIT)
    execute_process(
        COMMAND "${GIT}" rev-parse --show-prefix
        WORKING_DIRECTORY "${SOURCE_DIR}"
        RESULT_VARIABLE failed OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    # A prefix: the checkout is that of another project, which contains this one.
    if(NOT failed AND prefix STREQUAL "")
        execute_process(
            COMMAND "${GIT}" rev-parse --short=12 HEAD
            WORKING_DIRECTORY "${SOURCE_DIR}"
            RESULT_VARIABLE failed OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(NOT failed)
            set(SPMD_COMMIT "${commit}")
        endif()
    endif()
endif()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
# configure_file() leaves an equal file as it is, which would be older than HEAD for ever.
file(TOUCH "${OUTPUT}")
