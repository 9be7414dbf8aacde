[(function_declaration) (generator_function_declaration) (method_definition)] @function
(class_declaration) @class
[(function_expression) (generator_function) (arrow_function)] @local

; Functions, classes and objects that a name is bound to.
(variable_declarator name: (identifier) value: [(function_expression) (generator_function) (arrow_function)]) @function
(assignment_expression right: [(function_expression) (generator_function) (arrow_function)]) @function
(pair value: [(function_expression) (generator_function) (arrow_function)]) @function
(variable_declarator name: (identifier) value: (class)) @class
(assignment_expression right: (class)) @class
(variable_declarator name: (identifier) value: (object)) @scope
(assignment_expression right: (object)) @scope
(pair value: (object)) @scope
(arguments (object) @local)

; What a module gives under another name than its own.
(export_statement value: [(function_expression) (generator_function) (arrow_function)]) @function
(export_statement value: (class)) @class
(export_statement value: (object)) @scope
(export_statement value: (identifier)) @alias
(export_statement "default" declaration: (_)) @alias
(export_specifier) @alias
(assignment_expression left: (member_expression) right: (identifier)) @alias

; Functions around a whole module: called where they stand, or given to one that is, or to AMD's define.
(expression_statement (call_expression function: (parenthesized_expression
  [(function_expression) (arrow_function)] @wrapper)))
(expression_statement (call_expression function: (member_expression object: (parenthesized_expression
  [(function_expression) (arrow_function)] @wrapper))))
(expression_statement (call_expression function: (parenthesized_expression (function_expression))
  arguments: (arguments (function_expression) @wrapper)))
(expression_statement (parenthesized_expression (call_expression function: (function_expression) @wrapper)))
(expression_statement (unary_expression argument: (call_expression function: (function_expression) @wrapper)))
((call_expression function: (identifier) @_name arguments: (arguments [(function_expression) (arrow_function)] @wrapper))
  (#eq? @_name "define"))

(import_statement source: (_) @import)
(export_statement source: (_) @import)
((call_expression function: (identifier) @_name arguments: (arguments (string) @import)) (#eq? @_name "require"))
((call_expression function: (identifier) @_name arguments: (arguments (array (string) @import)))
  (#any-of? @_name "define" "require"))
(call_expression function: (import) arguments: (arguments (string) @import))
(comment) @comment
