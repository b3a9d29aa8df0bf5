// What the tests of checkpoints share: a folder of their own, and files in it.
import Core
import Foundation
import Testing

/// A folder of this test's own, removed when the test is over.
final class Scratch {
  let path: String

  init() {
    var template = Array((NSTemporaryDirectory() + "/scanline-XXXXXX").utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? [] }
}

func put(_ bytes: [UInt8], _ path: String) {
  #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
}

func get(_ path: String) -> [UInt8] { [UInt8](FileManager.default.contents(atPath: path) ?? Data()) }

/// The error that `body` throws; nil, and a failed expectation, where it throws none of ours.
func failure(_ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void)
  -> ScanlineError?
{
  do { try body() } catch let error as ScanlineError { return error } catch {
    Issue.record("not ours: \(error)", sourceLocation: location)
    return nil
  }
  Issue.record("nothing was thrown", sourceLocation: location)
  return nil
}

/// The files of a small checkpoint, an empty one among them.
let sample: [(name: String, bytes: [UInt8])] = [
  ("model.safetensors", (0..<100).map { UInt8($0) }), ("empty", []),
  ("state.json", Array("{\"step\": 7}".utf8)),
]
