// @WHAT@: SMSBOT_TOKEN=smsbot_... swift @FILE@ (macOS 12 or later)

import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

let token = ProcessInfo.processInfo.environment["SMSBOT_TOKEN"] ?? ""
let url = URL(string: "@URL@")!
var request = URLRequest(url: url, timeoutInterval: 30)
request.httpMethod = "@METHOD@"
request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
// only POST
request.setValue("application/json", forHTTPHeaderField: "Content-Type")
request.setValue("@KEY@", forHTTPHeaderField: "Idempotency-Key")
let body = "@BODY@"
let encoder = JSONEncoder()
encoder.outputFormatting = .sortedKeys // the same bytes each time, as the same Idempotency-Key demands
request.httpBody = try encoder.encode(body)
// end
let (data, response) = try await URLSession.shared.data(for: request)
let status = (response as! HTTPURLResponse).statusCode
print(status)
print(String(decoding: data, as: UTF8.self))
exit(status >= 400 ? 1 : 0)
