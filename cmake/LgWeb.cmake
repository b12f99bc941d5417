# The dashboard's page as one C file with every asset in it. scripts/web.sh builds web/ once for all
# presets, under build/web; each preset compiles the table that comes out.
function(lg_web_page target)
  set(out ${CMAKE_BINARY_DIR}/web)
  set(web ${CMAKE_SOURCE_DIR}/web)
  # without web/node_modules, which is no source and holds thousands of files
  file(GLOB files CONFIGURE_DEPENDS ${web}/*.json ${web}/*.html ${web}/*.ts ${web}/*.js ${web}/*.mjs)
  file(GLOB_RECURSE deep CONFIGURE_DEPENDS ${web}/src/* ${web}/public/* ${web}/dev/*)
  add_custom_command(
    OUTPUT ${out}/page.c
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/web.sh ${out}
    DEPENDS ${files} ${deep} ${CMAKE_SOURCE_DIR}/scripts/web.sh ${CMAKE_SOURCE_DIR}/scripts/web-assets.mjs
    COMMENT "the dashboard's page" USES_TERMINAL VERBATIM)
  add_library(lg_web STATIC ${out}/page.c)
  target_include_directories(lg_web PRIVATE ${CMAKE_BINARY_DIR}/layers/cli)
  target_compile_options(lg_web PRIVATE ${LG_WARN} ${LG_WARN_C})
  target_link_libraries(${target} PRIVATE lg_web)
endfunction()
