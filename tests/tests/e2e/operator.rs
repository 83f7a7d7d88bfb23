//! The first day of an operator: `tests/operator/first-day`, on a provider that `sigillo init` made.

use std::path::Path;

use sigillo_tests::clamd::Clamd;
use sigillo_tests::demo::{binary, run};

use crate::doctor::{adapted, names, prepared};

#[test]
fn a_first_day_goes_as_its_script_says() {
    let scene = prepared();
    let clamd = Clamd::start();
    let zone = scene.read("g/publish/dns.zone");
    // Nobody serves the file of the policy here.
    let records: String =
        zone.lines().filter(|line| !line.contains("mta-sts")).map(|line| format!("{line}\n")).collect();
    let knot = names(&records);
    adapted(&scene, &knot, &clamd);
    let _service = scene.serve();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("operator/first-day");
    let program = binary();
    let folder = program.parent().expect("the program's folder");
    let imaps = format!("mx.pec.gestore.example:{}", scene.ports.base + 3);
    // The world's names are known to knot alone.
    scene.write(".curlrc", &format!("resolve = {imaps}:127.0.0.1\n"));
    let arguments = [
        &format!("PATH={}:{}", folder.display(), std::env::var("PATH").unwrap_or_default()),
        &format!("SIGILLO_SOCKET={}", scene.at("dati/admin.sock")),
        &format!("CURL_HOME={}", scene.folder.path().display()),
        &script.to_string_lossy().into_owned(),
        &scene.at("g/sigillo.toml"),
        &imaps,
        &scene.at("ca.pem"),
        &scene.at("giornata"),
    ];
    run("env", &arguments.map(String::as_str), b"", 600).fine("the first day");
}
