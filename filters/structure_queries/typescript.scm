; Read after those of JavaScript, for TypeScript and TSX.
[(function_signature) (method_signature) (abstract_method_signature)] @function
(public_field_definition value: [(function_expression) (arrow_function)]) @function
[(abstract_class_declaration) (interface_declaration) (enum_declaration)] @class
[(internal_module) (module)] @scope
(import_require_clause source: (_) @import)
