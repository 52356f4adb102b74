// @WHAT@: SMSBOT_TOKEN=smsbot_... java @FILE@ (Java 15 or later)
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
// only POST
import java.net.http.HttpRequest.BodyPublishers;
// end
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

class Call {
    public static void main(String[] args) throws Exception {
        // only POST
        String body = "@BODY@";
        // end
        URI url = URI.create("@URL@");
        HttpRequest request = HttpRequest.newBuilder(url)
            .version(HttpClient.Version.HTTP_1_1) // without TLS, not every server bears to be asked for HTTP/2
            .timeout(Duration.ofSeconds(30))
            .header("Authorization", "Bearer " + System.getenv("SMSBOT_TOKEN"))
            // only POST
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", "@KEY@")
            .POST(BodyPublishers.ofString(body))
            // end
            // only GET
            .GET()
            // end
            .build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        System.out.println(answer.statusCode());
        System.out.println(answer.body());
        System.exit(answer.statusCode() >= 400 ? 1 : 0);
    }
}
