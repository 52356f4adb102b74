// @WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input:
// WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... swift @FILE@ < body

import Foundation
#if canImport(CryptoKit)
import CryptoKit
#else
import Crypto // elsewhere than on Apple's systems: the package github.com/apple/swift-crypto
#endif

/// Whether the body, byte for byte as it came, was signed with this secret, not long ago.
func genuine(secret: String, id: String, timestamp: String, signatures: String, body: Data) -> Bool {
    guard let at = TimeInterval(timestamp), abs(Date().timeIntervalSince1970 - at) <= 300 else {
        return false
    }
    let encoded = secret.hasPrefix("whsec_") ? String(secret.dropFirst(6)) : secret
    guard let key = Data(base64Encoded: encoded), !key.isEmpty else {
        return false
    }
    let signed = Data("\(id).\(timestamp).".utf8) + body
    return signatures.split(separator: " ").contains { given in
        guard given.hasPrefix("v1,"), let code = Data(base64Encoded: String(given.dropFirst(3))) else {
            return false
        }
        // This compares in constant time.
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: signed, using: SymmetricKey(data: key))
    }
}

let environment = ProcessInfo.processInfo.environment
let isGenuine = genuine(
    secret: environment["WEBHOOK_SECRET"] ?? "",
    id: environment["WEBHOOK_ID"] ?? "",
    timestamp: environment["WEBHOOK_TIMESTAMP"] ?? "",
    signatures: environment["WEBHOOK_SIGNATURE"] ?? "",
    body: FileHandle.standardInput.readDataToEndOfFile()
)
print(isGenuine ? "genuine" : "forged")
exit(isGenuine ? 0 : 1)
