[(function_item) (function_signature_item)] @function
[(struct_item) (enum_item) (union_item) (trait_item) (macro_definition)] @class
[(impl_item) (mod_item)] @scope
(closure_expression) @local
[(use_declaration) (extern_crate_declaration) (mod_item !body)] @import
[(line_comment) (block_comment)] @comment
