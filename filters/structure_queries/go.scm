[(function_declaration) (method_declaration) (method_elem)] @function
[(type_spec) (type_alias)] @class
(func_literal) @local
(import_spec path: (_) @import)
(comment) @comment
