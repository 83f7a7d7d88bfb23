//! The unit of systemd: that of the package, and a drop-in for what is elsewhere here.

use std::path::Path;

use sigillo_base::Said;

use super::site::{Site, same_bytes};
use crate::config::Config;

/// The one that is packaged.
const UNIT: &str = include_str!("../../../../config/systemd/sigillo.service");

pub(super) fn place(folder: &Path, config: &Config, site: &mut Site) -> Result<(), Said> {
    site.place(&folder.join("sigillo.service"), UNIT.as_bytes(), same_bytes(UNIT.as_bytes()))?;
    let text = drop_in(config);
    site.place(&folder.join("sigillo.service.d/paths.conf"), text.as_bytes(), same_bytes(text.as_bytes()))
}

fn drop_in(config: &Config) -> String {
    let mut text = String::from("[Service]\n");
    if config.file != Path::new("/etc/sigillo/sigillo.toml") {
        text += &format!(
            "ExecStart=\nExecStart=/usr/bin/sigillo serve --config {}\n",
            escaped(&config.file.display().to_string())
        );
    }
    let backups = config.backups.as_ref().map(|backups| &backups.folder.value);
    for path in [Some(&config.store.value), backups].into_iter().flatten() {
        if !path.starts_with("/var/lib/sigillo") {
            // The minus: a folder that is not there yet keeps nobody from starting.
            text += &format!("ReadWritePaths={}\n", escaped(&format!("-{}", path.display())));
        }
    }
    text
}

/// A path in a unit: systemd reads `%` and `\` (systemd.unit(5), systemd.syntax(7)).
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('%', "%%");
    if text.contains([' ', '\t', '"']) { format!("\"{}\"", text.replace('"', "\\\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SAMPLE;

    #[test]
    fn only_what_is_elsewhere_is_said() {
        let text = SAMPLE.replace("path = \"dati\"", "path = \"/var/lib/sigillo\"");
        let config = Config::parse(Path::new("/etc/sigillo/sigillo.toml"), &text).unwrap();
        assert_eq!(drop_in(&config), "[Service]\n");
        let config = Config::parse(Path::new("/srv/mia posta/sigillo.toml"), SAMPLE).unwrap();
        let wanted = "[Service]\nExecStart=\nExecStart=/usr/bin/sigillo serve --config \"/srv/mia posta/sigillo.toml\"\n\
                      ReadWritePaths=\"-/srv/mia posta/dati\"\n";
        assert_eq!(drop_in(&config), wanted);
    }
}
