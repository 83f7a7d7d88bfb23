//! `world --seed N [--steps N] [--runs N]`: replays a run of the simulated world, event by event.

use std::process::ExitCode;

use sigillo_tests::world::World;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)?.parse::<u64>().ok());
    let (seed, steps) = (value("--seed").unwrap_or(1), value("--steps").unwrap_or(300));
    let runs = value("--runs").unwrap_or(1);
    for seed in seed..seed + runs {
        match World::new(seed, runs == 1).run(usize::try_from(steps).unwrap_or(300)) {
            Ok(report) => println!("seed {seed}: {report:?}"),
            Err(what) => {
                println!("seed {seed}: {what}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
