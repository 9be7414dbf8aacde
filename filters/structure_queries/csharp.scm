[(method_declaration) (constructor_declaration) (destructor_declaration) (operator_declaration)
 (conversion_operator_declaration) (indexer_declaration) (property_declaration) (delegate_declaration)
 (local_function_statement)] @function
[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration) (struct_declaration)] @class
[(lambda_expression) (anonymous_method_expression)] @local
(using_directive) @import
(namespace_declaration name: (_) @namespace)
(file_scoped_namespace_declaration name: (_) @namespace)
(comment) @comment
