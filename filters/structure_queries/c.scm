[(function_definition) (declaration) (preproc_function_def)] @function
(struct_specifier body: (_)) @class
(union_specifier body: (_)) @class
(preproc_include path: (_) @import)
(comment) @comment
