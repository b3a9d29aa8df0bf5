// The picture of several images: where each pixel lands, and how levels look.
import Core
import Evaluation
import ImageData
import Kernels
import Testing

@Suite struct ImageGridTests {
  private let shape = ImageShape(height: 2, width: 3, channels: 1)

  /// Five images of which every pixel has a level of its own.
  private func images(levels: Int) -> ImageBatch {
    ImageBatch(shape: shape, count: 5, levels: (0..<30).map { UInt8($0 % levels) })
  }

  @Test func geometryIsThatOfMakeGrid() throws {
    let picture = ImageGrid.picture(
      images(levels: 30), columns: 2, quantization: try Quantization(levels: 30))
    // Three rows of two: cells of 2 + 2 by 3 + 2 pixels, and two more at the far edges.
    #expect(picture.shape == ImageShape(height: 3 * 4 + 2, width: 2 * 5 + 2, channels: 1))
    var expected = [UInt8](repeating: 0, count: 14 * 12)
    let corners = [(2, 2), (2, 7), (6, 2), (6, 7), (10, 2)]
    for (image, corner) in corners.enumerated() {
      for y in 0..<2 {
        for x in 0..<3 {
          let level = Double(image * 6 + y * 3 + x)
          expected[(corner.0 + y) * 12 + corner.1 + x] = UInt8((level * 255 / 29).rounded())
        }
      }
    }
    #expect(picture.values == expected)
  }

  @Test func thereAreNoEmptyColumns() throws {
    let picture = ImageGrid.picture(images(levels: 2), columns: 8, quantization: try Quantization(levels: 2))
    #expect(picture.shape == ImageShape(height: 6, width: 5 * 5 + 2, channels: 1))
  }

  @Test func coloursStayTogether() throws {
    let colour = ImageShape(height: 1, width: 2, channels: 3)
    let batch = ImageBatch(shape: colour, count: 1, levels: [0, 1, 2, 3, 2, 1])
    let picture = ImageGrid.picture(batch, columns: 1, quantization: try Quantization(levels: 4))
    #expect(picture.shape == ImageShape(height: 5, width: 6, channels: 3))
    var expected = [UInt8](repeating: 0, count: 5 * 6 * 3)
    expected.replaceSubrange((2 * 6 + 2) * 3..<(2 * 6 + 4) * 3, with: [0, 85, 170, 255, 170, 85])
    #expect(picture.values == expected)
  }

  /// A grid that is read back as data gives the levels that were drawn.
  @Test(arguments: [2, 3, 16, 100, 255, 256])
  func levelsReadBackAsThemselves(levels: Int) throws {
    let quantization = try Quantization(levels: levels)
    let shape = ImageShape(height: 1, width: levels, channels: 1)
    let batch = ImageBatch(shape: shape, count: 1, levels: (0..<levels).map { UInt8($0) })
    let picture = ImageGrid.picture(batch, columns: 1, quantization: quantization)
    let row = picture.values[2 * picture.shape.width + 2..<2 * picture.shape.width + 2 + levels]
    #expect(row.first == 0 && row.last == 255)
    #expect(row.map(quantization.level) == batch.levels)
  }

  /// What was laid out is cut apart again; a picture that is no grid is not.
  @Test(arguments: [1, 2, 3, 5, 9]) func gridsAreCutApart(columns: Int) throws {
    var batch = images(levels: 30)
    let quantization = try Quantization(levels: 30)
    let picture = ImageGrid.picture(batch, columns: columns, quantization: quantization)
    let values = quantization.displayValues(batch)
    #expect(ImageGrid.cells(of: picture, shape: shape, count: 5) == values)
    #expect(ImageGrid.cells(of: picture, shape: shape) == values)
    #expect(ImageGrid.cells(of: picture, shape: ImageShape(height: 3, width: 3, channels: 1)) == nil)
    #expect(ImageGrid.cells(of: picture, shape: ImageShape(height: 2, width: 3, channels: 3)) == nil)
    #expect(ImageGrid.cells(of: picture, shape: shape, count: 100) == nil)
    #expect(ImageGrid.cells(of: picture, shape: shape, count: 0) == nil)
    var spoilt = picture
    spoilt.values[0] = 1
    #expect(ImageGrid.cells(of: spoilt, shape: shape, count: 5) == nil)
    // A black image at the end is one only where the count says so.
    for position in 24..<30 { batch.levels[position] = 0 }
    let black = ImageGrid.picture(batch, columns: 3, quantization: quantization)
    #expect(ImageGrid.cells(of: black, shape: shape, count: 5)?.count == 30)
    #expect(ImageGrid.cells(of: black, shape: shape)?.count == 24)
  }
}
