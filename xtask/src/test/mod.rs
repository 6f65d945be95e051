//! `cargo xtask test`: every check and test of the project in stages, from installing what is missing to real
//! processes. Its last line is the sum of all runners.

mod count;
mod options;
mod stages;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use count::Counts;
use options::Options;
use stages::{Stage, Task};
use table::{Row, Verdict};

/// How a stage ended that did not break off.
enum Outcome {
    /// The tests that ran in it; none for a check.
    Ran(Counts),
    /// There is nothing to do, for this reason.
    Skipped(&'static str),
}

/// Runs the stages that `args` choose.
pub(crate) fn test(args: &[String]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    if options.list {
        for stage in stages::ALL {
            println!("{:<10} {}", stage.name, stage.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = Vec::new();
    let mut broken = false;
    for stage in options.chosen() {
        if broken && !options.keep_going {
            rows.push(Row::not_run(stage.name));
            continue;
        }
        let row = perform(stage, &options);
        broken |= row.verdict == Verdict::Failed;
        rows.push(row);
    }
    println!("\n{}", table::table(&rows));
    println!("{}", table::sum(&rows));
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn perform(stage: &'static Stage, options: &Options) -> Row {
    println!("\n=== {}: {}", stage.name, stage.about);
    let began = Instant::now();
    let mut task = Task::new(options);
    let result = (stage.run)(&mut task);
    let took = began.elapsed();
    let row = match result {
        Ok(Outcome::Skipped(why)) => Row::new(stage.name, Verdict::Skipped(why), took, Counts::default()),
        Ok(Outcome::Ran(counts)) if counts.failed > 0 => Row::new(stage.name, Verdict::Failed, took, counts),
        Ok(Outcome::Ran(counts)) => Row::new(stage.name, Verdict::Passed, took, counts),
        Err(error) => {
            println!("error: {error:#}");
            Row::new(stage.name, Verdict::Failed, took, task.counts().with_a_failure())
        }
    };
    println!("=== {}: {} after {}", stage.name, row.verdict.word(), table::time(took));
    row
}
