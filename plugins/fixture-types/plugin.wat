;; The right name and the wrong types.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "kith:plugin/conditions@0.1.0#test") (param i32 i32) (result i32) (i32.const 1)))
