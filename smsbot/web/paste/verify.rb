# @WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input:
# WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... ruby @FILE@ < body

require "openssl"

# Whether the body, byte for byte as it came, was signed with this secret, not long ago.
def genuine?(secret, id, timestamp, signatures, body)
  return false unless timestamp.match?(/\A[0-9]{1,12}\z/) && (Time.now.to_i - timestamp.to_i).abs <= 300

  key = secret.delete_prefix("whsec_").unpack1("m")
  return false if key.empty?

  code = OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{timestamp}.".b + body)
  expected = "v1,#{[code].pack("m0")}"
  signatures.split.any? { |given| OpenSSL.secure_compare(expected, given) }
end

names = %w[WEBHOOK_SECRET WEBHOOK_ID WEBHOOK_TIMESTAMP WEBHOOK_SIGNATURE]
if genuine?(*names.map { |name| ENV.fetch(name) }, $stdin.binmode.read)
  puts "genuine"
else
  puts "forged"
  exit 1
end
