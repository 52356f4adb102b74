# @WHAT@: SMSBOT_TOKEN=smsbot_... ruby @FILE@

# only POST
require "json"
# end
require "net/http"

# only POST
body = "@BODY@"
# end
uri = URI("@URL@")
request = Net::HTTP::@VERB@.new(uri)
request["Authorization"] = "Bearer #{ENV.fetch("SMSBOT_TOKEN")}"
# only POST
request["Content-Type"] = "application/json"
request["Idempotency-Key"] = "@KEY@"
request.body = JSON.generate(body)
# end
answer = Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == "https", read_timeout: 30) do |http|
  http.request(request)
end
puts answer.code, answer.body
exit(answer.code.to_i < 400)
