//! Families of figures: a name, a sentence, and one cell of atomics for each word of a closed list. No map, no lock, no
//! string is made to count: what a label can say is known before the program starts.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A word of a closed list, as a label shows it.
pub trait Word: Copy + PartialEq + 'static {
    /// The label.
    const LABEL: &'static str;
    /// All words.
    const ALL: &'static [Self];
    /// The word.
    fn word(self) -> &'static str;
}

/// The labels of a family: none, a word, or two.
pub trait Labels: Copy + 'static {
    /// How many there are.
    const COUNT: usize;
    /// Which of them.
    fn index(self) -> usize;
    /// All, in order.
    fn all() -> Vec<Self>;
    /// `outcome="ok"`, several with commas between; nothing for none.
    fn write(self, out: &mut String);
}

impl Labels for () {
    const COUNT: usize = 1;

    fn index(self) -> usize {
        0
    }

    fn all() -> Vec<Self> {
        vec![()]
    }

    fn write(self, _: &mut String) {}
}

impl<W: Word> Labels for W {
    const COUNT: usize = W::ALL.len();

    fn index(self) -> usize {
        // A dozen words at the most: as fast as a look-up, and no word can be without its cell.
        W::ALL.iter().position(|word| *word == self).unwrap_or_default()
    }

    fn all() -> Vec<Self> {
        W::ALL.to_vec()
    }

    fn write(self, out: &mut String) {
        put(out, format_args!("{}=\"{}\"", W::LABEL, self.word()));
    }
}

impl<A: Word, B: Word> Labels for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;

    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }

    fn all() -> Vec<Self> {
        A::ALL.iter().flat_map(|a| B::ALL.iter().map(|b| (*a, *b))).collect()
    }

    fn write(self, out: &mut String) {
        self.0.write(out);
        out.push(',');
        self.1.write(out);
    }
}

/// A family as it is shown.
pub trait Family: Sync {
    /// What it is.
    fn about(&self) -> &About;
    /// `counter`, `gauge` or `histogram`.
    fn kind(&self) -> &'static str;
    /// Its lines in the text format of Prometheus (version 0.0.4).
    fn write(&self, out: &mut String);
}

/// What a family is.
#[derive(Debug)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// One sentence: what it counts.
    pub help: &'static str,
}

/// Counts up.
#[derive(Debug)]
pub struct Counter<L> {
    about: About,
    cells: Box<[AtomicU64]>,
    labels: PhantomData<fn(L)>,
}

impl<L: Labels> Counter<L> {
    /// All at zero.
    pub fn new(name: &'static str, help: &'static str) -> Self {
        let cells = (0..L::COUNT).map(|_| AtomicU64::new(0)).collect();
        Self { about: About { name, help }, cells, labels: PhantomData }
    }

    /// One more.
    pub fn add(&self, labels: L) {
        self.add_many(labels, 1);
    }

    /// So many more.
    pub fn add_many(&self, labels: L, count: u64) {
        self.cells[labels.index()].fetch_add(count, Ordering::Relaxed);
    }
}

impl<L: Labels> Family for Counter<L> {
    fn about(&self) -> &About {
        &self.about
    }

    fn kind(&self) -> &'static str {
        "counter"
    }

    fn write(&self, out: &mut String) {
        for (labels, cell) in L::all().into_iter().zip(&self.cells) {
            line(out, self.about.name, "", labels, "", cell.load(Ordering::Relaxed));
        }
    }
}

/// How many there are just now: each counts as long as its [`Inside`] lives.
#[derive(Debug)]
pub struct Level<L> {
    about: About,
    cells: Box<[AtomicI64]>,
    labels: PhantomData<fn(L)>,
}

/// One of those that are counted; dropped when it ends, however it ends.
#[derive(Debug)]
pub struct Inside<'l>(&'l AtomicI64);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<L: Labels> Level<L> {
    /// Nobody inside.
    pub fn new(name: &'static str, help: &'static str) -> Self {
        let cells = (0..L::COUNT).map(|_| AtomicI64::new(0)).collect();
        Self { about: About { name, help }, cells, labels: PhantomData }
    }

    /// One more, until what is given back is dropped.
    pub fn enter(&self, labels: L) -> Inside<'_> {
        let cell = &self.cells[labels.index()];
        cell.fetch_add(1, Ordering::Relaxed);
        Inside(cell)
    }
}

impl<L: Labels> Family for Level<L> {
    fn about(&self) -> &About {
        &self.about
    }

    fn kind(&self) -> &'static str {
        "gauge"
    }

    fn write(&self, out: &mut String) {
        for (labels, cell) in L::all().into_iter().zip(&self.cells) {
            line(out, self.about.name, "", labels, "", cell.load(Ordering::Relaxed));
        }
    }
}

/// A figure that is read elsewhere from time to time. What is not known is not shown.
#[derive(Debug)]
pub struct Reading<L> {
    about: About,
    cells: Box<[AtomicU64]>,
    labels: PhantomData<fn(L)>,
}

impl<L: Labels> Reading<L> {
    /// Nothing is known.
    pub fn new(name: &'static str, help: &'static str) -> Self {
        let cells = (0..L::COUNT).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect();
        Self { about: About { name, help }, cells, labels: PhantomData }
    }

    /// The figure, when it is known.
    pub fn get(&self, labels: L) -> Option<f64> {
        Some(f64::from_bits(self.cells[labels.index()].load(Ordering::Relaxed))).filter(|figure| !figure.is_nan())
    }

    /// Takes a figure; `None`: it is not known now.
    pub fn set(&self, labels: L, figure: impl Into<Option<f64>>) {
        let figure = figure.into().unwrap_or(f64::NAN);
        self.cells[labels.index()].store(figure.to_bits(), Ordering::Relaxed);
    }
}

impl<L: Labels> Family for Reading<L> {
    fn about(&self) -> &About {
        &self.about
    }

    fn kind(&self) -> &'static str {
        if self.about.name.ends_with("_total") { "counter" } else { "gauge" }
    }

    fn write(&self, out: &mut String) {
        for labels in L::all() {
            if let Some(figure) = self.get(labels) {
                line(out, self.about.name, "", labels, "", figure);
            }
        }
    }
}

/// The bounds of a histogram, in seconds.
pub trait Scale: 'static {
    /// Ascending.
    const BOUNDS: &'static [f64];
}

/// For work that somebody waits for.
#[derive(Debug)]
pub struct Moments;

impl Scale for Moments {
    const BOUNDS: &'static [f64] =
        &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
}

/// For the way of a message.
#[derive(Debug)]
pub struct Journeys;

impl Scale for Journeys {
    const BOUNDS: &'static [f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0];
}

/// How long something took.
#[derive(Debug)]
pub struct Histogram<L, S> {
    about: About,
    cells: Box<[Spans]>,
    labels: PhantomData<fn(L, S)>,
}

#[derive(Debug)]
struct Spans {
    /// One for each bound, and one for what is beyond the last.
    buckets: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

impl<L: Labels, S: Scale> Histogram<L, S> {
    /// Nothing took place.
    pub fn new(name: &'static str, help: &'static str) -> Self {
        let spans = |_| Spans {
            buckets: (0..=S::BOUNDS.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_us: AtomicU64::new(0),
        };
        Self { about: About { name, help }, cells: (0..L::COUNT).map(spans).collect(), labels: PhantomData }
    }

    /// It took so long.
    pub fn took(&self, labels: L, span: Duration) {
        let spans = &self.cells[labels.index()];
        let seconds = span.as_secs_f64();
        let bucket = S::BOUNDS.partition_point(|bound| *bound < seconds);
        spans.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        spans.sum_us.fetch_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl<L: Labels, S: Scale> Family for Histogram<L, S> {
    fn about(&self) -> &About {
        &self.about
    }

    fn kind(&self) -> &'static str {
        "histogram"
    }

    fn write(&self, out: &mut String) {
        for (labels, spans) in L::all().into_iter().zip(&self.cells) {
            let name = self.about.name;
            let mut count = 0;
            for (bucket, bound) in spans.buckets.iter().zip(S::BOUNDS.iter().map(Some).chain([None])) {
                count += bucket.load(Ordering::Relaxed);
                let le = bound.map_or_else(|| "le=\"+Inf\"".to_owned(), |bound| format!("le=\"{bound}\""));
                line(out, name, "_bucket", labels, &le, count);
            }
            let sum = spans.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
            line(out, name, "_sum", labels, "", sum);
            line(out, name, "_count", labels, "", count);
        }
    }
}

/// Sentence, kind and lines of a family.
pub(super) fn show(family: &dyn Family, out: &mut String) {
    let About { name, help } = family.about();
    put(out, format_args!("# HELP {name} {help}\n# TYPE {name} {}\n", family.kind()));
    family.write(out);
}

fn line(out: &mut String, name: &str, part: &str, labels: impl Labels, more: &str, figure: impl std::fmt::Display) {
    let mut text = String::new();
    labels.write(&mut text);
    let comma = if text.is_empty() || more.is_empty() { "" } else { "," };
    match text.is_empty() && more.is_empty() {
        true => put(out, format_args!("{name}{part} {figure}\n")),
        false => put(out, format_args!("{name}{part}{{{text}{comma}{more}}} {figure}\n")),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
}
