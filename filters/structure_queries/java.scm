[(method_declaration) (constructor_declaration) (annotation_type_element_declaration)] @function
[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)
 (annotation_type_declaration)] @class
; Bodies of anonymous classes and of enum constants.
(object_creation_expression (class_body) @local)
(enum_constant body: (class_body) @local)
(lambda_expression) @local
(import_declaration) @import
[(line_comment) (block_comment)] @comment
