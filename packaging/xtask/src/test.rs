//! All tests in one command, and the checks that come before them.

use crate::{
    dist, plugins,
    run::{Outcome, answers, call, cargo, program},
    templates, tools, web,
};

#[derive(clap::Args)]
pub struct Args {
    /// Many rounds of crashes, power cuts and simulation, and plugins begun from each template, as before a release
    #[arg(long)]
    full: bool,
    /// Leave out the static build (minutes when cold)
    #[arg(long)]
    no_dist: bool,
}

pub fn run(args: &Args) -> Outcome {
    let mut left_out = Vec::new();
    web::build()?;
    web::test()?;
    if !tools::age()? {
        left_out.push("backups under the ordinary age program: it is not installed here");
    }
    if plugins::build()?.is_none() {
        left_out.push(plugins::NO_COMPILER);
    }
    plugins::test()?;
    rust_tests(args.full)?;
    browser_tests(&mut left_out)?;
    contract_tests(&mut left_out)?;
    if args.full {
        templates::test(&mut left_out)?;
    } else {
        left_out.push("templates for new plugins: they are built and run with --full");
    }
    if args.no_dist {
        left_out.push("static build: left out on request")
    } else {
        static_binary()?
    }
    for line in &left_out {
        println!("left out · {line}");
    }
    println!("\nall tests passed");
    Ok(())
}

/// Format and lints, warnings as errors.
pub fn lint() -> Outcome {
    call(&mut cargo(&["fmt", "--all", "--check"]))?;
    call(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    plugins::lint()?;
    web::lint()
}

/// How much more the full run does. Without them the same tests run, shorter.
const FULL: [(&str, &str); 5] = [
    ("KITH_TEST_FULL", "1"),
    ("KITH_CRASH_ROUNDS", "150"),
    ("KITH_POWER_CUTS", "2000"),
    ("KITH_FLIPS", "2000"),
    ("KITH_SIM_HISTORIES", "10000"),
];

fn rust_tests(full: bool) -> Outcome {
    let mut command = if answers("cargo", &["nextest", "--version"]) {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        cargo(&["test", "--workspace", "--no-fail-fast"])
    };
    if full {
        for (name, value) in FULL {
            command.env(name, value);
        }
    }
    call(&mut command)
}

fn browser_tests(left_out: &mut Vec<&str>) -> Outcome {
    let Some(browser) = tools::browser()? else {
        left_out.push("browser tests: no Chromium here; install it or name one in KITH_BROWSER");
        return Ok(());
    };
    web::install("tests/ui")?;
    call(&mut cargo(&["build", "--workspace", "--bin", "kith"]))?;
    call(program("npm", "tests/ui", &["test"]).env("KITH_BROWSER", browser))
}

/// The OpenAPI document, held against the running binary.
fn contract_tests(left_out: &mut Vec<&str>) -> Outcome {
    let Some(schemathesis) = tools::schemathesis()? else {
        left_out.push("OpenAPI contract: no Python here for schemathesis");
        return Ok(());
    };
    call(
        cargo(&["test", "--workspace", "--test", "contract", "--", "--ignored"]).env("KITH_SCHEMATHESIS", schemathesis),
    )
}

/// The release file: static, within its budget, and it starts on an empty folder.
fn static_binary() -> Outcome {
    let binary = dist::build()?;
    call(
        cargo(&["test", "--workspace", "--test", "cli", "--", "--ignored", "static"]).env("KITH_STATIC_BINARY", binary),
    )
}
