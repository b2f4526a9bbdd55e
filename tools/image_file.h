// SPDX-License-Identifier: MIT
// Pictures for the subcommands.
#ifndef MULLION_TOOLS_IMAGE_FILE_H_
#define MULLION_TOOLS_IMAGE_FILE_H_

#include <string>
#include <vector>

#include "tools/engine.h"

namespace CLI {
class App;
}

namespace mullion::tools {

// The flags that say how a picture becomes a tensor.
struct ImageFlags {
  std::vector<float> mean;
  std::vector<float> deviation;
  std::string scale;         // a number or a fraction: "0.5", "1/255"
  std::string layout;        // "nchw", "nhwc"
  std::string pixel_format;  // "rgb", "bgr", "gray"
  std::string crop;          // "center", "stretch", "letterbox", or "left,top,width,height"

  void AddTo(CLI::App& app);
  // The first of them that is given, or "".
  std::string Given() const;
  // Throws Failure for a value that means nothing.
  MullionImageOptions Options() const;
};

// Decodes an image file of a kind that mullion_image reads. Throws Failure.
Handle<MullionValue> ReadImage(const std::string& path);

// Whether the file begins like a picture.
bool IsImageFile(const std::string& path);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_IMAGE_FILE_H_
