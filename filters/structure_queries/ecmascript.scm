; Read after those of JavaScript, for JavaScript itself.
(field_definition value: [(function_expression) (arrow_function)]) @function
