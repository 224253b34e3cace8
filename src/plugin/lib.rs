//! The plugin host: WebAssembly components that add fields, rules, actions, endpoints, jobs and panels to a running Kith.
