# reeve_test(NAME label SOURCES ... LIBS ...): a cmocka program registered with ctest under a label.
# Labels are the suites of the test table in ARCHITECTURE.md (unit, property, scenario, crash, ...).
# A test with the label "all" besides runs only under `./dev test --all`.
function(reeve_test name label)
	cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBS;ARGS" ${ARGN})
	add_executable(${name} ${T_SOURCES})
	target_link_libraries(${name} PRIVATE ${T_LIBS} cmocka)
	add_test(NAME ${name} COMMAND ${name} ${T_ARGS})
	if(NOT T_TIMEOUT)
		set(T_TIMEOUT 120)
	endif()
	set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT ${T_TIMEOUT})
endfunction()
