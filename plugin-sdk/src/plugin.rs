//! `plugin!`: names an author's functions, and exports exactly those.

/// Says which functions make up the plugin. Each entry is optional; what is named here must be in `plugin.toml`, and the other way round.
///
/// ```ignore
/// kith_plugin::plugin! {
///     before_save: check,                      // fn(&Change) -> (), Verdict, fields![…], Vec<Violation>, or a Result of these
///     after_commit: hear,                      // fn(&Event) -> (), Outcome, or a Result of these
///     computed: { score: score },              // fn(&Record) -> Result<impl Into<Value>>
///     actions: { "look-up": look_up },         // fn(&Action) -> Result<(), message, JSON or Step>
///     conditions: { "is-hot": is_hot },        // fn(&Record, &serde_json::Value) -> Result<bool>
///     endpoint: serve,                         // fn(&Request) -> Response, or a Result of it
///     jobs: { sync: sync },                    // fn(&Job) -> Result<(), note or Progress>
///     panels: { score: draw },                 // fn(&Panel) -> Result<View>
///     importer: pull,                          // fn(&Source) -> Result<Chunk>
///     lifecycle: { installed: installed, removing: removing, health: health },
///                                              // fn(Option<&str>) -> Result<()>, fn() -> Result<()>, fn() -> Result<String, String>
/// }
/// ```
///
/// On the author's own machine it also makes `plugin()`, which `testing::Kith::new` takes.
#[macro_export]
macro_rules! plugin {
    (@list [$($slot:ident = $run:expr;)*]) => {
        /// This plugin, for `kith_plugin::testing`.
        #[cfg(not(target_arch = "wasm32"))]
        pub fn plugin() -> $crate::testing::Plugin {
            $crate::testing::Plugin {
                $($slot: ::std::option::Option::Some($run),)*
                ..$crate::testing::Plugin::new(::std::include_str!(::std::concat!(::std::env!("CARGO_MANIFEST_DIR"), "/plugin.toml")))
            }
        }
    };
    (@list [$($done:tt)*] before_save: $check:path $(, $($rest:tt)*)?) => {
        $crate::__capability!(before_save, {
            fn check(call: $crate::wit::Call, changes: ::std::vec::Vec<$crate::Change>) -> ::std::vec::Vec<$crate::Verdict> {
                $crate::export::before_save(call, &changes, $check)
            }
        });
        $crate::plugin!(@list [$($done)* before_save = <KithPlugin as $crate::wit::BeforeSave>::check;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] after_commit: $handle:path $(, $($rest:tt)*)?) => {
        $crate::__capability!(after_commit, {
            fn handle(call: $crate::wit::Call, events: ::std::vec::Vec<$crate::Event>) -> ::std::vec::Vec<$crate::Outcome> {
                $crate::export::after_commit(call, &events, $handle)
            }
        });
        $crate::plugin!(@list [$($done)* after_commit = <KithPlugin as $crate::wit::AfterCommit>::handle;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] computed: { $($name:tt : $compute:path),* $(,)? } $(, $($rest:tt)*)?) => {
        $crate::__capability!(computed, {
            fn compute(
                call: $crate::wit::Call,
                name: ::std::string::String,
                rows: ::std::vec::Vec<$crate::Record>,
            ) -> ::std::result::Result<::std::vec::Vec<$crate::Value>, ::std::string::String> {
                $crate::export::enter(call);
                $(if name == $crate::export::name_of(::std::stringify!($name)) {
                    return $crate::export::computed(&rows, $compute);
                })*
                Err($crate::export::unknown("computed field", &name).message())
            }
        });
        $crate::plugin!(@list [$($done)* computed = <KithPlugin as $crate::wit::Computed>::compute;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] actions: { $($name:tt : $run:path),* $(,)? } $(, $($rest:tt)*)?) => {
        $crate::__capability!(actions, {
            fn run(
                call: $crate::wit::Call,
                name: ::std::string::String,
                input: ::std::string::String,
                resume: ::std::option::Option<::std::string::String>,
            ) -> $crate::Result<$crate::Step> {
                $crate::export::enter(call);
                $(if name == $crate::export::name_of(::std::stringify!($name)) {
                    return $crate::export::action(&name, &input, resume, $run);
                })*
                Err($crate::export::unknown("action", &name))
            }
        });
        $crate::plugin!(@list [$($done)* actions = <KithPlugin as $crate::wit::Actions>::run;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] conditions: { $($name:tt : $test:path),* $(,)? } $(, $($rest:tt)*)?) => {
        $crate::__capability!(conditions, {
            fn test(
                call: $crate::wit::Call,
                name: ::std::string::String,
                params: ::std::string::String,
                rows: ::std::vec::Vec<$crate::Record>,
            ) -> ::std::result::Result<::std::vec::Vec<bool>, ::std::string::String> {
                $crate::export::enter(call);
                $(if name == $crate::export::name_of(::std::stringify!($name)) {
                    return $crate::export::condition(&params, &rows, $test);
                })*
                Err($crate::export::unknown("condition", &name).message())
            }
        });
        $crate::plugin!(@list [$($done)* conditions = <KithPlugin as $crate::wit::Conditions>::test;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] endpoint: $serve:path $(, $($rest:tt)*)?) => {
        $crate::__capability!(endpoint, {
            fn serve(call: $crate::wit::Call, request: $crate::Request) -> $crate::Response {
                $crate::export::endpoint(call, &request, $serve)
            }
        });
        $crate::plugin!(@list [$($done)* endpoint = <KithPlugin as $crate::wit::Endpoint>::serve;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] jobs: { $($name:tt : $run:path),* $(,)? } $(, $($rest:tt)*)?) => {
        $crate::__capability!(jobs, {
            fn run(
                call: $crate::wit::Call,
                name: ::std::string::String,
                input: ::std::string::String,
                cursor: ::std::option::Option<::std::string::String>,
            ) -> $crate::Result<$crate::Progress> {
                $crate::export::enter(call);
                $(if name == $crate::export::name_of(::std::stringify!($name)) {
                    return $crate::export::job(&name, input, cursor, $run);
                })*
                Err($crate::export::unknown("job", &name))
            }
        });
        $crate::plugin!(@list [$($done)* jobs = <KithPlugin as $crate::wit::Jobs>::run;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] panels: { $($name:tt : $draw:path),* $(,)? } $(, $($rest:tt)*)?) => {
        $crate::__capability!(ui, {
            fn render(
                call: $crate::wit::Call,
                panel: ::std::string::String,
                target: ::std::option::Option<::std::string::String>,
                state: ::std::option::Option<::std::string::String>,
            ) -> ::std::result::Result<$crate::wit::View, ::std::string::String> {
                $crate::export::enter(call);
                $(if panel == $crate::export::name_of(::std::stringify!($name)) {
                    return $crate::export::panel(&panel, target, state, None, $draw);
                })*
                Err($crate::export::unknown("panel", &panel).message())
            }

            fn act(
                call: $crate::wit::Call,
                panel: ::std::string::String,
                handler: ::std::string::String,
                form: ::std::string::String,
                state: ::std::string::String,
            ) -> ::std::result::Result<$crate::wit::View, ::std::string::String> {
                $crate::export::enter(call);
                $(if panel == $crate::export::name_of(::std::stringify!($name)) {
                    return $crate::export::panel(&panel, None, Some(state), Some((handler, form)), $draw);
                })*
                Err($crate::export::unknown("panel", &panel).message())
            }
        });
        $crate::plugin!(@list [
            $($done)*
            render = <KithPlugin as $crate::wit::Ui>::render;
            act = <KithPlugin as $crate::wit::Ui>::act;
        ] $($($rest)*)?);
    };
    (@list [$($done:tt)*] importer: $pull:path $(, $($rest:tt)*)?) => {
        $crate::__capability!(importer, {
            fn pull(
                call: $crate::wit::Call,
                source: ::std::string::String,
                cursor: ::std::option::Option<::std::string::String>,
            ) -> $crate::Result<$crate::Chunk> {
                $crate::export::import(call, source, cursor, $pull)
            }
        });
        $crate::plugin!(@list [$($done)* importer = <KithPlugin as $crate::wit::Importer>::pull;] $($($rest)*)?);
    };
    (@list [$($done:tt)*] lifecycle: { $($moment:ident : $run:path),* $(,)? } $(, $($rest:tt)*)?) => {
        $crate::__capability!(lifecycle, {
            #[allow(unreachable_code, reason = "what stands after a moment's own function")]
            fn installed(previous: ::std::option::Option<::std::string::String>) -> $crate::Result<()> {
                $crate::export::begin();
                let _ = &previous;
                $($crate::__moment!(installed $moment, $run(previous.as_deref()));)*
                Ok(())
            }

            #[allow(unreachable_code, reason = "what stands after a moment's own function")]
            fn removing() -> $crate::Result<()> {
                $crate::export::begin();
                $($crate::__moment!(removing $moment, $run());)*
                Ok(())
            }

            #[allow(unreachable_code, reason = "what stands after a moment's own function")]
            fn health() -> ::std::result::Result<::std::string::String, ::std::string::String> {
                $crate::export::begin();
                $($crate::__moment!(health $moment, $run());)*
                Ok(::std::string::String::new())
            }
        });
        $crate::plugin!(@list [
            $($done)*
            installed = <KithPlugin as $crate::wit::Lifecycle>::installed;
            removing = <KithPlugin as $crate::wit::Lifecycle>::removing;
            health = <KithPlugin as $crate::wit::Lifecycle>::health;
        ] $($($rest)*)?);
    };
    (@list [$($done:tt)*] $unknown:tt $($rest:tt)*) => {
        ::std::compile_error!(::std::concat!(
            "plugin! knows no '", ::std::stringify!($unknown), "' of this shape; it takes before_save: f, after_commit: f, ",
            "computed: { field: f }, actions: { name: f }, conditions: { name: f }, endpoint: f, jobs: { name: f }, ",
            "panels: { name: f }, importer: f, lifecycle: { installed: f, removing: f, health: f }"
        ));
    };
    ($($capability:tt)*) => {
        #[doc(hidden)]
        pub struct KithPlugin;
        $crate::plugin!(@list [] $($capability)*);
    };
}

/// Implements one interface of the contract, and exports it where there is a host to call it.
#[doc(hidden)]
#[macro_export]
macro_rules! __capability {
    (before_save, $body:tt) => { $crate::__capability!(@ before_save, export_before_save, BeforeSave, $body); };
    (after_commit, $body:tt) => { $crate::__capability!(@ after_commit, export_after_commit, AfterCommit, $body); };
    (computed, $body:tt) => { $crate::__capability!(@ computed, export_computed, Computed, $body); };
    (actions, $body:tt) => { $crate::__capability!(@ actions, export_actions, Actions, $body); };
    (conditions, $body:tt) => { $crate::__capability!(@ conditions, export_conditions, Conditions, $body); };
    (endpoint, $body:tt) => { $crate::__capability!(@ endpoint, export_endpoint, Endpoint, $body); };
    (jobs, $body:tt) => { $crate::__capability!(@ jobs, export_jobs, Jobs, $body); };
    (ui, $body:tt) => { $crate::__capability!(@ ui, export_ui, Ui, $body); };
    (importer, $body:tt) => { $crate::__capability!(@ importer, export_importer, Importer, $body); };
    (lifecycle, $body:tt) => { $crate::__capability!(@ lifecycle, export_lifecycle, Lifecycle, $body); };
    (@ $module:ident, $export:ident, $guest:ident, { $($body:tt)* }) => {
        impl $crate::wit::$guest for KithPlugin {
            $($body)*
        }
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::$module::$export!(KithPlugin);
    };
}

/// The call, if it is of this moment.
#[doc(hidden)]
#[macro_export]
macro_rules! __moment {
    (installed installed, $call:expr) => {
        return $call
    };
    (removing removing, $call:expr) => {
        return $call
    };
    (health health, $call:expr) => {
        return $call
    };
    ($wanted:ident $other:ident, $call:expr) => {};
}
