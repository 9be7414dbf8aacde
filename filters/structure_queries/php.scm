[(function_definition) (method_declaration)] @function
[(class_declaration) (interface_declaration) (trait_declaration) (enum_declaration)] @class
[(anonymous_function) (arrow_function)] @local
(object_creation_expression (anonymous_class) @local)
[(namespace_use_declaration) (include_expression) (include_once_expression) (require_expression)
 (require_once_expression)] @import
(namespace_definition name: (_) @namespace)
(comment) @comment
