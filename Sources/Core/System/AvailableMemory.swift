// How much memory this process can still take.
import CScanline

/// The memory that is left to this process: what the system calls available, no more than the rest of its control
/// group's limit.
package struct AvailableMemory: Sendable {
  /// Bytes that can still be taken; nil where the system does not tell.
  package let bytes: Int?
  /// Bytes of this process in memory now; 0 where the system does not tell.
  package let resident: Int

  /// Asks the system. `root` stands before every path, for tests.
  package init(root: String = "") {
    resident = Int(scanline_resident_bytes())
    #if os(Linux)
      let kibibytes = Self.field("MemAvailable:", of: root + "/proc/meminfo")
      let system = kibibytes.map { 1024 * max(0, min($0, Int.max / 1024)) }
      bytes = [system, Self.restOfControlGroup(root)].compactMap { $0 }.min()
    #else
      // There is no such figure on macOS, where memory is compressed and swapped first: all there is, less what is ours.
      bytes = max(0, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) - resident)
    #endif
  }

  #if os(Linux)
    /// The limit of the control group or of one above it, less what is in use; cached files do not count, since they go
    /// first. Version 2 says "max" where there is no limit, version 1 a number beyond all memory.
    private static func restOfControlGroup(_ root: String) -> Int? {
      var rests: [Int] = []
      for line in text(root + "/proc/self/cgroup").split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { continue }
        let isSecond = parts[0] == "0" && parts[1].isEmpty
        guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
        let mount = root + "/sys/fs/cgroup" + (isSecond ? "" : "/memory")
        let names =
          isSecond
          ? (limit: "memory.max", use: "memory.current", cache: "file")
          : (limit: "memory.limit_in_bytes", use: "memory.usage_in_bytes", cache: "total_cache")
        var group = String(parts[2])
        while true {
          let folder = mount + (group == "/" ? "" : group)
          if let limit = number(folder + "/" + names.limit), let use = number(folder + "/" + names.use) {
            let cached = max(0, field(names.cache, of: folder + "/memory.stat") ?? 0)
            // Where there is no limit, this is next to the largest integer; and the cache may exceed the use read before.
            rests.append(max(0, limit - max(0, max(0, use) - cached)))
          }
          guard let slash = group.lastIndex(of: "/"), group != "/" else { break }
          group = slash == group.startIndex ? "/" : String(group[..<slash])
        }
      }
      return rests.min()
    }

    /// The number after `name` at the beginning of a line.
    private static func field(_ name: String, of path: String) -> Int? {
      for line in text(path).split(separator: "\n") {
        let words = line.split(separator: " ")
        if words.count > 1, words[0] == name { return Int(words[1]) }
      }
      return nil
    }

    private static func number(_ path: String) -> Int? {
      text(path).split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }

    /// A small file of the system's; empty where there is none. Their sizes are not known before they are read.
    static func text(_ path: String) -> String {
      guard let file = fopen(path, "r") else { return "" }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = fread(&bytes, 1, bytes.count, file)
      return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
  #endif
}
