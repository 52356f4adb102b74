// @WHAT@. The secret and the three webhook- headers are in the environment, the body is on standard input:
// WEBHOOK_SECRET=whsec_... WEBHOOK_ID=... WEBHOOK_TIMESTAMP=... WEBHOOK_SIGNATURE=... java @FILE@ < body
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

class Verify {
    /** Whether the body, byte for byte as it came, was signed with this secret, not long ago. */
    static boolean genuine(String secret, String id, String timestamp, String signatures, byte[] body)
            throws GeneralSecurityException {
        if (!timestamp.matches("[0-9]{1,12}")) {
            return false;
        }
        long age = Instant.now().getEpochSecond() - Long.parseLong(timestamp);
        if (Math.abs(age) > 300) {
            return false;
        }
        byte[] key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(UTF_8));
        String expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
        for (String given : signatures.split(" ")) {
            if (MessageDigest.isEqual(expected.getBytes(UTF_8), given.getBytes(UTF_8))) {
                return true;
            }
        }
        return false;
    }

    public static void main(String[] args) throws Exception {
        boolean genuine = genuine(
            System.getenv("WEBHOOK_SECRET"),
            System.getenv("WEBHOOK_ID"),
            System.getenv("WEBHOOK_TIMESTAMP"),
            System.getenv("WEBHOOK_SIGNATURE"),
            System.in.readAllBytes());
        System.out.println(genuine ? "genuine" : "forged");
        System.exit(genuine ? 0 : 1);
    }
}
