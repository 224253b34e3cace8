;; Grows a table until it is stopped, and says in memory how far it came. No compiler writes this.
(module
  (table $t 1 funcref)
  (memory (export "memory") 1)
  (data (i32.const 64) "grown")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "kith:plugin/lifecycle@0.1.0#installed") (param i32 i32 i32) (result i32) (i32.const 0))
  (func (export "kith:plugin/lifecycle@0.1.0#removing") (result i32) (i32.const 0))
  (func (export "kith:plugin/lifecycle@0.1.0#health") (result i32)
    ;; A refusal is -1: it tries again for ever, so only a limit on tables or on time ends it.
    (loop $again
      (drop (table.grow $t (ref.null func) (i32.const 1000000)))
      (br $again))
    (unreachable)))
