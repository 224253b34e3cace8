//! A new plugin from each template, tested, built and run in a server: with the tools of its language, where they can be had.

use std::path::Path;

use crate::{
    plugins,
    run::{Outcome, call, cargo},
    tools,
};

pub fn test(left_out: &mut Vec<&str>) -> Outcome {
    if plugins::can_build()? {
        run("rust", None)?;
    } else {
        left_out.push("the template in Rust: nothing here compiles to WebAssembly");
    }
    if tools::npm_has("@bytecodealliance/jco") {
        run("typescript", None)?;
    } else {
        left_out.push(
            "the template in TypeScript: npm is not here, or does not reach a registry with @bytecodealliance/jco",
        );
    }
    match tools::componentize()? {
        Some(programs) => run("python", Some(&programs))?,
        None => left_out
            .push("the template in Python: python3 is not here, or pip does not reach a registry with componentize-py"),
    }
    Ok(())
}

fn run(language: &str, programs: Option<&Path>) -> Outcome {
    let name = format!("templates::{language}");
    let mut command = cargo(&["test", "--workspace", "--test", "cli", "--", "--ignored", "--nocapture", &name]);
    if let Some(programs) = programs {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(programs.to_path_buf()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(all).map_err(|error| error.to_string())?);
    }
    call(&mut command)
}
