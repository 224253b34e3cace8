//! The one wasmtime engine: how guests are compiled and where they run. Made when the first plugin is loaded, since its pools take address
//! space, and a thread that keeps time.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy, WasmFeatures,
};

/// How exactly time limits are kept.
pub const TICK: Duration = Duration::from_millis(2);

/// Calls that run at the same time, over all plugins.
pub const CALLS_AT_ONCE: u32 = 64;

/// Memory of one call at most, whatever the limit of the plugin says.
pub const MEMORY_BYTES_MAX: usize = 256 << 20;

/// A guest that recurses deeper is stopped.
const STACK_BYTES: usize = 512 << 10;

/// Left in memory from call to call, so that a fresh instance costs no page faults.
const KEEP_RESIDENT: usize = 1 << 20;

/// Entries of one table.
const TABLE_ELEMENTS: usize = 100_000;

/// How components are compiled; the same in the compiling child and in the server, else nothing compiled would load.
pub fn config() -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.cranelift_opt_level(OptLevel::Speed);
    // A call is to be a function of its input.
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(STACK_BYTES);
    config.wasm_features(WasmFeatures::MEMORY64 | WasmFeatures::THREADS | WasmFeatures::GC, false);
    config.concurrency_support(false);
    // Unwinding by the system is not needed, and a static binary has no place to register it.
    config.native_unwind_info(false);
    config
}

fn pooled() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CALLS_AT_ONCE)
        .total_core_instances(CALLS_AT_ONCE * 8)
        .total_memories(CALLS_AT_ONCE * 2)
        .total_tables(CALLS_AT_ONCE * 8)
        .max_core_instances_per_component(32)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(MEMORY_BYTES_MAX)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// The engine with its clock. Time passes for guests only while one of them runs.
pub struct Runtime {
    pub engine: wasmtime::Engine,
    running: AtomicUsize,
    clock: Thread,
}

impl Runtime {
    /// # Errors
    /// When the machine does not give the address space, or no thread.
    pub fn start() -> wasmtime::Result<Arc<Runtime>> {
        let engine = wasmtime::Engine::new(&pooled())?;
        let (told, hears) = std::sync::mpsc::sync_channel::<Weak<Runtime>>(1);
        let clock = thread::Builder::new().name("kith-plugin-clock".into()).spawn(move || {
            let Ok(runtime) = hears.recv() else { return };
            keep_time(&runtime);
        })?;
        let runtime = Arc::new(Runtime { engine, running: AtomicUsize::new(0), clock: clock.thread().clone() });
        // The thread waits for exactly this.
        drop(told.send(Arc::downgrade(&runtime)));
        Ok(runtime)
    }

    /// Ticks until the guest has used up this time.
    pub fn ticks(budget: Duration) -> u64 {
        u64::try_from(budget.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Held while a guest runs.
    pub fn running(self: &Arc<Self>) -> Running {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.clock.unpark();
        }
        Running(self.clone())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.clock.unpark();
    }
}

/// See `Runtime::running`.
pub struct Running(Arc<Runtime>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

fn keep_time(runtime: &Weak<Runtime>) {
    while let Some(runtime) = runtime.upgrade() {
        if runtime.running.load(Ordering::Acquire) > 0 {
            runtime.engine.increment_epoch();
            drop(runtime);
            thread::sleep(TICK);
        } else {
            drop(runtime);
            // A wake-up that came between the look and here is kept for this.
            thread::park();
        }
    }
}
