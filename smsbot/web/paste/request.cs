// @WHAT@: as Program.cs of a console project, with the token in SMSBOT_TOKEN.
using System;
using System.Net.Http;
using System.Net.Http.Headers;
// only POST
using System.Text;
// end
using System.Threading.Tasks;

static class Program
{
    static int Main()
    {
        return Ask().GetAwaiter().GetResult();
    }

    static async Task<int> Ask()
    {
        const string url = "@URL@";
        using (var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) })
        using (var request = new HttpRequestMessage(HttpMethod.@VERB@, url))
        {
            var token = Environment.GetEnvironmentVariable("SMSBOT_TOKEN");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            // only POST
            request.Headers.Add("Idempotency-Key", "@KEY@");
            var body = "@BODY@";
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            // end
            using (var answer = await client.SendAsync(request))
            {
                var status = (int)answer.StatusCode;
                Console.WriteLine(status);
                Console.WriteLine(await answer.Content.ReadAsStringAsync());
                return status >= 400 ? 1 : 0;
            }
        }
    }
}
