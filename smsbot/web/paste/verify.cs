// @WHAT@: as Program.cs of a console project. The secret and the three webhook- headers are in the
// environment, as WEBHOOK_SECRET, WEBHOOK_ID, WEBHOOK_TIMESTAMP and WEBHOOK_SIGNATURE; the body is on standard input.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

static class Program
{
    /// <summary>Whether the body, byte for byte as it came, was signed with this secret, not long ago.</summary>
    static bool Genuine(string secret, string id, string timestamp, string signatures, byte[] body)
    {
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - at) > 300)
        {
            return false;
        }
        var prefix = secret.StartsWith("whsec_", StringComparison.Ordinal) ? "whsec_".Length : 0;
        var key = Convert.FromBase64String(secret.Substring(prefix));
        if (key.Length == 0)
        {
            return false;
        }
        using (var hmac = new HMACSHA256(key))
        {
            var signed = Encoding.UTF8.GetBytes(id + "." + timestamp + ".").Concat(body).ToArray();
            var expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
            return signatures.Split(' ').Any(given => Same(expected, given));
        }
    }

    /// <summary>Whether two texts are the same, in a time that tells nothing of where they differ.</summary>
    static bool Same(string expected, string given)
    {
        var different = expected.Length ^ given.Length;
        for (var i = 0; i < expected.Length && i < given.Length; i++)
        {
            different |= expected[i] ^ given[i];
        }
        return different == 0;
    }

    static int Main()
    {
        var body = new MemoryStream();
        Console.OpenStandardInput().CopyTo(body);
        var genuine = Genuine(
            Environment.GetEnvironmentVariable("WEBHOOK_SECRET"),
            Environment.GetEnvironmentVariable("WEBHOOK_ID"),
            Environment.GetEnvironmentVariable("WEBHOOK_TIMESTAMP"),
            Environment.GetEnvironmentVariable("WEBHOOK_SIGNATURE"),
            body.ToArray());
        Console.WriteLine(genuine ? "genuine" : "forged");
        return genuine ? 0 : 1;
    }
}
