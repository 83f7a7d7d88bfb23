//! In which language somebody is answered (RFC 9110 §12.5.4).

use axum::http::{HeaderMap, header};
use sigillo_base::Lang;

/// What `Accept-Language` prefers: Italian, but for who gives English more weight. A range counts by its first subtag
/// (RFC 4647 §3.4), `*` for what no range names; what cannot be read is not said.
pub(super) fn wanted(headers: &HeaderMap) -> Lang {
    let lists = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(&str, f32)> = lists.flat_map(|list| list.split(',')).filter_map(range).collect();
    let weight = |lang: &str| {
        let of = |lang: &str| {
            let weights =
                ranges.iter().filter(|(range, _)| range.eq_ignore_ascii_case(lang)).map(|(_, weight)| *weight);
            weights.reduce(f32::max)
        };
        of(lang).or_else(|| of("*")).unwrap_or_default()
    };
    if weight("en") > weight("it") { Lang::En } else { Lang::It }
}

/// The first subtag of a language range, and its weight.
fn range(text: &str) -> Option<(&str, f32)> {
    let (range, parameter) = text.split_once(';').unwrap_or((text, "q=1"));
    let (name, weight) = parameter.trim().split_once('=')?;
    let weight = weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    let first = range.trim().split('-').next()?;
    (name.trim().eq_ignore_ascii_case("q") && !first.is_empty()).then_some((first, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(lists: &[&'static str]) -> Lang {
        let values = lists.iter().map(|list| (header::ACCEPT_LANGUAGE, HeaderValue::from_static(list)));
        wanted(&values.collect())
    }

    #[test]
    fn italian_unless_english_weighs_more() {
        for italian in [
            &[][..],
            &[""],
            &["it"],
            &["*"],
            &["de"],
            &["it, en"],
            &["en, it"],
            &["it-IT,it;q=0.9,en-US;q=0.8,en;q=0.7"],
            &["en;q=0"],
            &["en;q=2"],
            &["en;q=x"],
            &["en;x=1"],
            &["english"],
            &["*;q=0.5, en;q=0.2"],
            &["en;q=0.5", "it"],
        ] {
            assert_eq!(of(italian), Lang::It, "{italian:?}");
        }
        for english in [
            &["en"][..],
            &["EN-gb"],
            &["en-GB,en;q=0.9,it;q=0.8"],
            &["de, en;q=0.1"],
            &["it;q=0.5, * "],
            &["it ; q=0.3 , en ; Q = 0.4"],
            &["it;q=0, *;q=0.1"],
            &["it;q=0.5", "en"],
        ] {
            assert_eq!(of(english), Lang::En, "{english:?}");
        }
    }
}
