; Read after those of C.
(field_declaration declarator: (_)) @function
(class_specifier body: (_)) @class
(namespace_definition) @scope
(lambda_expression) @local
(field_declaration_list (access_specifier) @access)
