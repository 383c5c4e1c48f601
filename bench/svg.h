#pragma once

#include <span>
#include <string>
#include <string_view>

// A small writer of SVG 1.1: https://www.w3.org/TR/SVG11/
namespace strata::bench {

struct Point {
  double x;
  double y;  // downwards
};

struct TextStyle {
  std::string_view anchor = "start";  // or "middle" or "end"
  int size = 12;
  std::string_view fill = "#222222";
  bool bold = false;
};

class Svg {
 public:
  // Pixels; white, as viewers have dark grounds too.
  Svg(int width, int height, std::string_view title);

  void text(Point at, std::string_view text, const TextStyle& style);
  void rect(Point corner, double width, double height, std::string_view fill);
  void circle(Point centre, double radius, std::string_view fill);
  // Through all points. `dashes` as stroke-dasharray, or empty.
  void polyline(std::span<const Point> points, std::string_view stroke, double width,
                std::string_view dashes = "");
  void line(Point from, Point to, std::string_view stroke, double width,
            std::string_view dashes = "");
  // Upwards along the y axis.
  void text_upwards(Point at, std::string_view text, const TextStyle& style);

  [[nodiscard]] std::string document() const;

 private:
  std::string body_;
};

}  // namespace strata::bench
