//! What the fuzz targets run. Kept without dependencies of its own, so that the workspace's tests can include it.
//! Must never know: nightly. Entry point: [`targets`].

pub mod targets;
