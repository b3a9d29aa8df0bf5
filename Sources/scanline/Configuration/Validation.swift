// What several commands ask of their options, and the name that was probably meant.
import ArgumentParser

/// Throws a usage error where `threads`, as given, make no sense. More than the most would be a slip of the hand: each
/// thread has memory of its own.
func requireThreads(_ threads: Int?) throws {
  if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads lies in 1 to 1024.") }
}

/// " (nearest: pixelcnn-mnist)", or nothing where no name of `names` is like `name`.
func suggestion(for name: String, among names: [String]) -> String {
  let distances = names.map { (name: $0, distance: editDistance(Array(name.lowercased()), Array($0.lowercased()))) }
  guard let best = distances.min(by: { $0.distance < $1.distance }) else { return "" }
  // Half of the letters may be wrong, two where they have changed places: beyond that, it is another word.
  return best.distance * 2 <= name.count ? " (nearest: \(best.name))" : ""
}

/// The least number of letters that must be added, taken away or changed to make `a` of `b`.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for (i, letter) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let changed = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(changed, diagonal + 1, row[j] + 1)
    }
  }
  return row[b.count]
}
