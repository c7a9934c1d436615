//! Curves as a picture that a browser shows: SVG, with text as text, so that no font is needed to write it.

use std::{error::Error, fs, io, ops::Range, path::Path};

use plotters::prelude::*;

const SIZE: (u32, u32) = (900, 520);
/// How wide the column of names is, and how high one of them.
const NAMES: u32 = 240;
const LINE: i32 = 18;
/// Colours that those who see fewer of them can tell apart too (Okabe and Ito), the darkest first.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(120, 120, 120),
];

/// What goes along a side.
#[derive(Debug, Clone)]
pub struct Axis {
    label: String,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Logarithmic,
}

/// A picture of named curves.
#[derive(Debug, Clone)]
pub struct Plot {
    title: String,
    x: Axis,
    y: Axis,
    curves: Vec<(String, Vec<(f64, f64)>)>,
}

impl Axis {
    /// Equal steps are equally long.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear }
    }

    /// Each tenfold step is equally long.
    #[must_use]
    pub fn logarithmic(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Logarithmic }
    }

    /// Where a value is along it.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        }
    }

    /// The value at a place, as it is written there.
    fn value(&self, place: f64) -> String {
        match self.scale {
            Scale::Linear => format!("{place:.0}"),
            Scale::Logarithmic => match 10_f64.powf(place) {
                value if value < 10.0 => format!("{value:.1}"),
                value => spaced(value),
            },
        }
    }

    /// The places from the lowest of these values to the highest.
    fn range(&self, values: impl Iterator<Item = f64>) -> Range<f64> {
        let places = values.map(|value| self.place(value));
        let (low, high) = places.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
        low..high
    }
}

impl Plot {
    /// Without curves.
    #[must_use]
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y, curves: Vec::new() }
    }

    /// Adds a point to the curve of this name. Points may come in any order.
    pub fn point(&mut self, curve: &str, x: f64, y: f64) {
        match self.curves.iter_mut().find(|(name, _)| name == curve) {
            Some((_, points)) => points.push((x, y)),
            None => self.curves.push((curve.to_owned(), vec![(x, y)])),
        }
    }

    /// Writes the picture, unless there is no curve of at least two points.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn draw(&self, path: &Path) -> io::Result<()> {
        let points = || self.curves.iter().flat_map(|(_, points)| points.iter());
        let (x, y) = (self.x.range(points().map(|(x, _)| *x)), self.y.range(points().map(|(_, y)| *y)));
        if x.start >= x.end || y.start >= y.end {
            return Ok(());
        }
        let mut picture = String::new();
        self.draw_into(&mut picture, x, y).map_err(|error| io::Error::other(error.to_string()))?;
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(path, picture)?;
        println!("drawn: {}", path.display());
        Ok(())
    }

    fn draw_into(&self, picture: &mut String, x: Range<f64>, y: Range<f64>) -> Result<(), Box<dyn Error>> {
        let area = SVGBackend::with_string(picture, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        // Room for the names beside the ends of the curves.
        let (area, names) = area.split_horizontally(SIZE.0 - NAMES);
        let margin = 0.05 * (y.end - y.start);
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 19))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y.start - margin..y.end + margin)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .x_labels(self.x_labels())
            .x_label_formatter(&|at| self.x.value(*at))
            .y_label_formatter(&|at| self.y.value(*at))
            .axis_desc_style(("sans-serif", 15))
            .label_style(("sans-serif", 14))
            .draw()?;
        let mut ends = Vec::new();
        for ((name, points), colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let mut places: Vec<_> =
                points.iter().map(|(x, y)| (self.x.place(*x), self.y.place(*y))).collect();
            places.sort_by(|one, other| one.0.total_cmp(&other.0));
            chart.draw_series(LineSeries::new(places.iter().copied(), colour.stroke_width(2)))?;
            chart.draw_series(places.iter().map(|place| Circle::new(*place, 3, colour.filled())))?;
            if let Some(end) = places.last() {
                ends.push((chart.backend_coord(end).1, name, colour));
            }
        }
        ends.sort_by_key(|(height, ..)| *height);
        let mut free = 0;
        for (height, name, colour) in ends {
            let height = free.max(height - LINE / 2);
            free = height + LINE;
            names.draw(&Text::new(
                name.as_str(),
                (0, height),
                ("sans-serif", 14).into_font().color(colour),
            ))?;
        }
        area.present()?;
        Ok(())
    }

    /// How many values stand along the lower side: one for each that points have.
    fn x_labels(&self) -> usize {
        let mut values: Vec<f64> =
            self.curves.iter().flat_map(|(_, points)| points.iter().map(|(x, _)| *x)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values.len()
    }
}

/// A whole number with its digits in groups of three.
fn spaced(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_groups_of_three() {
        assert_eq!(
            ["1 000 000", "10 000", "316"],
            [1e6, 1e4, 316.2].map(spaced).each_ref().map(String::as_str)
        );
    }
}
