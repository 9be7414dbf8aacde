[(method) (singleton_method)] @function
[(class) (module)] @class
(singleton_class) @scope
((call !receiver method: (identifier) @_name) @import
  (#any-of? @_name "require" "require_relative" "load" "autoload"))
((body_statement (identifier) @access) (#any-of? @access "public" "private" "protected" "module_function"))
((call !receiver method: (identifier) @_name) @access
  (#any-of? @_name "private" "protected" "private_class_method"))
(comment) @comment
