(function_definition) @function
(class_definition) @class
(import_statement name: (dotted_name) @import)
(import_statement name: (aliased_import name: (dotted_name) @import))
(import_from_statement module_name: (_) @import)
(future_import_statement) @import
(comment) @comment
((call function: (identifier) @_name arguments: (argument_list . (string (string_content) @import)))
  (#any-of? @_name "__import__" "import_module"))
((call function: (attribute object: (identifier) @_module attribute: (identifier) @_name)
  arguments: (argument_list . (string (string_content) @import)))
  (#eq? @_module "importlib") (#eq? @_name "import_module"))
