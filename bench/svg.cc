#include "bench/svg.h"

#include <array>
#include <cstdio>

#include "strata/base/text.h"

namespace strata::bench {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + html_escape(value) + "\"";
}

std::string attribute(std::string_view name, double value) {
  return attribute(name, std::string_view(number(value)));
}

// XML 1.0 has no way to write control characters, not even escaped.
std::string content(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return html_escape(clean);
}

std::string text_element(std::string_view text, const TextStyle& style, std::string_view place) {
  return "<text" + std::string(place) + attribute("font-size", style.size) +
         attribute("fill", style.fill) + attribute("text-anchor", style.anchor) +
         (style.bold ? attribute("font-weight", std::string_view("bold")) : "") + ">" +
         content(text) + "</text>\n";
}

}  // namespace

Svg::Svg(int width, int height, std::string_view title) {
  const std::string w = std::to_string(width);
  const std::string h = std::to_string(height);
  body_ =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"" +
      attribute("version", std::string_view("1.1")) + attribute("width", w) +
      attribute("height", h) + attribute("viewBox", "0 0 " + w + " " + h) +
      attribute("font-family", std::string_view("Helvetica, Arial, 'DejaVu Sans', sans-serif")) +
      ">\n<title>" + content(title) + "</title>\n";
  rect({0, 0}, width, height, "#ffffff");
}

void Svg::text(Point at, std::string_view text, const TextStyle& style) {
  body_ += text_element(text, style, attribute("x", at.x) + attribute("y", at.y));
}

void Svg::text_upwards(Point at, std::string_view text, const TextStyle& style) {
  const std::string turn = "translate(" + number(at.x) + " " + number(at.y) + ") rotate(-90)";
  body_ += text_element(text, style, attribute("transform", turn));
}

void Svg::rect(Point corner, double width, double height, std::string_view fill) {
  body_ += "<rect" + attribute("x", corner.x) + attribute("y", corner.y) +
           attribute("width", width) + attribute("height", height) + attribute("fill", fill) +
           "/>\n";
}

void Svg::circle(Point centre, double radius, std::string_view fill) {
  body_ += "<circle" + attribute("cx", centre.x) + attribute("cy", centre.y) +
           attribute("r", radius) + attribute("fill", fill) + "/>\n";
}

void Svg::polyline(std::span<const Point> points, std::string_view stroke, double width,
                   std::string_view dashes) {
  std::string list;
  for (const Point& point : points) {
    list += (list.empty() ? "" : " ") + number(point.x) + "," + number(point.y);
  }
  body_ += "<polyline" + attribute("points", list) + attribute("fill", std::string_view("none")) +
           attribute("stroke", stroke) + attribute("stroke-width", width) +
           (dashes.empty() ? "" : attribute("stroke-dasharray", dashes)) + "/>\n";
}

void Svg::line(Point from, Point to, std::string_view stroke, double width,
               std::string_view dashes) {
  body_ += "<line" + attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) +
           attribute("y2", to.y) + attribute("stroke", stroke) + attribute("stroke-width", width) +
           (dashes.empty() ? "" : attribute("stroke-dasharray", dashes)) + "/>\n";
}

std::string Svg::document() const {
  return body_ + "</svg>\n";
}

}  // namespace strata::bench
